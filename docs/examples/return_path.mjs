// The envelope sender of an account's mail: bounces+<user_id>-<token>@<domain>. Node alone.
import { createHmac } from "node:crypto";

const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

export function returnPath(userId, domain, key) {
  const written = userId.replaceAll("@", "=").replaceAll(":", "~");
  const made = createHmac("sha256", key).update(`riskapi return path 1\0${written.toLowerCase()}`).digest();
  const bits = [...made.subarray(0, 10)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const token = bits.match(/.{5}/g).map((five) => LETTERS[parseInt(five, 2)]).join("");
  return `bounces+${written}-${token}@${domain}`;
}

if (process.argv.length === 5) console.log(returnPath(process.argv[2], process.argv[3], process.argv[4]));
