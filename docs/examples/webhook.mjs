// Receive riskapi's webhooks: check the signature, answer at once, handle each event once. Node 18 or later, no packages.
//
//   WEBHOOK_SECRET=whsec_… node webhook.mjs inbox
//
// Listens on LISTEN (127.0.0.1:9000). Every event is kept as a file of the directory `inbox`, named after its webhook-id,
// before it is answered. So an event that is sent again is known by its name, and one that was answered but not handled,
// because the process ended, is handled at the next start. Files can go once they are older than any replay.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { link, open, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

// Seconds a timestamp may lie in the past or future. Older requests may have been recorded by somebody and sent again.
const TOLERANCE = 300;
// Bytes of a body; events of riskapi are far smaller.
const MOST = 1 << 20;

// The request was not signed by riskapi, was changed on its way, or is old.
class Untrue extends Error {}
class TooLarge extends Error {}

// The webhook-id of a request that riskapi signed. See https://www.standardwebhooks.com.
function verify(secret, headers, body, now) {
  const name = headers["webhook-id"] ?? "";
  const at = headers["webhook-timestamp"] ?? "";
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(name) || !/^[0-9]{1,12}$/.test(at)) throw new Untrue("no webhook-id or webhook-timestamp");
  if (Math.abs(now - Number(at)) > TOLERANCE) throw new Untrue("the timestamp is too old or too new");
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = createHmac("sha256", key).update(`${name}.${at}.`).update(body).digest("base64");
  const wanted = Buffer.from(`v1,${signed}`);
  // There are two signatures for a day after the secret was changed; one of them has to fit.
  const given = (headers["webhook-signature"] ?? "").split(" ").map((each) => Buffer.from(each));
  if (!given.some((each) => each.length === wanted.length && timingSafeEqual(each, wanted))) {
    throw new Untrue("the signature does not fit");
  }
  return name;
}

// What you do about an event goes here. It may take its time: riskapi was answered already. It runs a second time if the
// process ends just before it is noted as done, so make it safe to repeat.
async function handle(event) {
  console.log(JSON.stringify(event));
}

// Events on the disk: `<webhook-id>.json` is one that arrived, `<webhook-id>.done` says it was handled.
class Inbox {
  #directory;
  #last = Promise.resolve();

  constructor(directory) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    const left = readdirSync(directory).filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -5));
    for (const name of left.sort()) if (!existsSync(join(directory, `${name}.done`))) this.#work(name);
  }

  // Keep an event. Nothing happens if it is there already.
  async keep(name, body) {
    const half = join(this.#directory, `${randomUUID()}.half`);
    const file = await open(half, "wx");
    try {
      await file.writeFile(body);
      await file.sync();
      await link(half, join(this.#directory, `${name}.json`));
      this.#work(name);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    } finally {
      await file.close();
      await rm(half, { force: true });
    }
  }

  // Handle an event after those that came before. An error of yours ends the process, which is then started again.
  #work(name) {
    this.#last = this.#last.then(async () => {
      await handle(JSON.parse(readFileSync(join(this.#directory, `${name}.json`), "utf8")));
      writeFileSync(join(this.#directory, `${name}.done`), "");
    });
  }
}

function serve(secret, inbox, host, port) {
  const server = createServer({ requestTimeout: 10_000 }, async (request, response) => {
    let status = 204;
    try {
      if (Number(request.headers["content-length"] ?? Infinity) > MOST) throw new TooLarge();
      const parts = [];
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts);
      await inbox.keep(verify(secret, request.headers, body, Date.now() / 1000), body);
    } catch (error) {
      status = error instanceof Untrue ? 401 : error instanceof TooLarge ? 413 : 503; // after 503 riskapi tries again later
    }
    response.writeHead(status).end();
  });
  server.listen(port, host, () => console.error(`listens on ${host}:${server.address().port}`));
}

const secret = process.env.WEBHOOK_SECRET;
if (process.argv.length !== 3 || !secret) {
  console.error("usage: WEBHOOK_SECRET=whsec_… node webhook.mjs INBOX");
  process.exit(2);
}
const [, host, port] = /^(.*):([0-9]+)$/.exec(process.env.LISTEN ?? "127.0.0.1:9000");
serve(secret, new Inbox(process.argv[2]), host, Number(port));
