// Ask riskapi about a signup, and create the account whatever it answers. Node 18 or later, no packages.
//
//   RISK_API_KEY=rk_… node signup.mjs < signup.json
//
// RISK_API_URL (http://127.0.0.1:8000) says where riskapi is. signup.json is the body of POST /v1/signups. Prints as JSON
// the account as you would create it: what it may send, and whether a job should ask again because nobody answered.
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const URL = process.env.RISK_API_URL ?? "http://127.0.0.1:8000";
const KEY = process.env.RISK_API_KEY ?? "";
// Milliseconds one try may wait for an answer. Two tries and the pause are the most a visitor waits: about four seconds.
const PATIENCE = 2000;
const PAUSE = 200;
// What an account may send while nobody has answered: enough to try the product, nothing for a spam run.
const OWN_CAPS = { hourly: 10, daily: 20, monthly: 60 };

// A 4xx: a mistake of ours, such as a wrong key.
class Refused extends Error {}

// The assessment. Asks a second time when no answer came; the same user_id makes that safe: it counts once.
async function assess(signup) {
  const headers = { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" };
  for (let tries = 2; ; ) {
    tries -= 1;
    try {
      const answer = await fetch(`${URL}/v1/signups`, {
        method: "POST",
        headers,
        body: JSON.stringify(signup),
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (answer.ok) return await answer.json();
      const said = `${answer.status} ${(await answer.text()).slice(0, 2000)}`;
      throw answer.status < 500 ? new Refused(said) : new Error(said);
    } catch (error) {
      if (error instanceof Refused || tries === 0) throw error; // asking again would not change a refusal
      await pause(PAUSE);
    }
  }
}

// The account to create. Always one: riskapi says how much it may send, never whether it may exist.
export async function newAccount(signup) {
  const account = { user_id: signup.account.user_id };
  try {
    const { decision, limits } = await assess(signup);
    const { hourly, daily, monthly } = limits;
    return { ...account, decision, limits: { hourly, daily, monthly }, ask_again: false };
  } catch (error) {
    // After a refusal somebody has to look. The visitor cannot help it.
    console.error(`riskapi ${error instanceof Refused ? "refused the signup" : "did not answer"}: ${error.message}`);
  }
  // Your job queue goes here: post the same signup again later, and put the caps of that answer on the account.
  return { ...account, decision: null, limits: OWN_CAPS, ask_again: true };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await newAccount(JSON.parse(readFileSync(0, "utf8")))));
}
