// Send one message to many people, as far as the account's budget goes. Node 18 or later, no packages.
//
//   RISK_API_KEY=rk_… node send.mjs u_1001 < recipients.txt
//
// RISK_API_URL (http://127.0.0.1:8000) says where riskapi is. Prints as JSON who is left, to be put back into your queue, in
// how many seconds to ask for them, who was refused, and of whom it is not known, because the mailer failed in the middle.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const URL = process.env.RISK_API_URL ?? "http://127.0.0.1:8000";
const KEY = process.env.RISK_API_KEY ?? "";

export class Refused extends Error {}

// POST to riskapi. Repeated under the same Idempotency-Key when no answer came, so that it counts once.
async function call(path, body) {
  const headers = { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json", "Idempotency-Key": randomUUID() };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  const pauses = [1000, 200];
  for (;;) {
    const answer = await fetch(URL + path, { ...request, signal: AbortSignal.timeout(2000) }).catch((error) => error);
    if (answer.ok) return answer.json();
    const repeat = answer instanceof Error || [409, 429].includes(answer.status) || answer.status >= 500;
    if (!repeat || pauses.length === 0) {
      throw answer instanceof Error ? answer : new Error(`riskapi answered ${answer.status}: ${await answer.text()}`);
    }
    await pause(pauses.pop());
  }
}

// Deliver to as many as are granted, and give back what was not used.
export async function send(userId, recipients, deliver) {
  const grant = await call(`/v1/accounts/${encodeURIComponent(userId)}/sends`, { recipients: recipients.length, partial: true });
  const granted = recipients.slice(0, grant.granted);
  const refused = [];
  let unknown = [];
  let untried = [];
  for (const [at, recipient] of granted.entries()) {
    try {
      await deliver(recipient);
    } catch (error) {
      if (error instanceof Refused) {
        refused.push(recipient);
        continue;
      }
      // This one may have been sent, so it counts; the rest was not tried.
      console.error(`stopped: ${error.message}`);
      unknown = [recipient];
      untried = granted.slice(at + 1);
      break;
    }
  }
  const unused = refused.length + untried.length;
  if (unused > 0) await call(`/v1/reservations/${grant.reservation_id}/release`, { recipients: unused });
  return { left: [...untried, ...recipients.slice(grant.granted)], retry_after: grant.retry_after, refused, unknown };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.length !== 3) {
    console.error("usage: RISK_API_KEY=rk_… node send.mjs USER_ID < recipients.txt");
    process.exit(2);
  }
  // Your mailer goes here: nodemailer, or the API of a provider. It throws Refused where nothing was sent.
  const deliver = async (recipient) => {
    if (!recipient.includes("@")) throw new Refused(recipient);
    console.error(`to ${recipient}`);
  };
  const recipients = readFileSync(0, "utf8").split(/\s+/).filter(Boolean);
  try {
    console.log(JSON.stringify(await send(process.argv[2], recipients, deliver)));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
