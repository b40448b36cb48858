// Evaluates expressions by the reference implementation of JSONata, one a line, until the input ends.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const jsonata = createRequire(`${process.argv[2]}/`)("jsonata");
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { value: await jsonata(JSON.parse(line)).evaluate(undefined) };
  } catch (error) {
    answer = { error: error.message ?? String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
