// Evaluates expressions by the reference implementation of JSONata, in the version that AWS documents.
//
// Standard input: [{expression, bindings: {name: value}, millis, holds, fails}], standard output: a list of {value}, {error},
// {} if there is no value, or {unreached: true} if a condition of `holds` is not true, or one of `fails` is.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const jsonata = createRequire(`${process.argv[2]}/`)("jsonata");
const cases = JSON.parse(readFileSync(0, "utf8"));
const results = [];
const compiled = new Map();

function compile(expression) {
  if (!compiled.has(expression)) compiled.set(expression, jsonata(expression));
  return compiled.get(expression);
}

for (const { expression, bindings, millis, holds, fails } of cases) {
  try {
    // Step Functions adds $parse, and has no $eval. The time is given so that results can be compared.
    const functions = { parse: (text) => JSON.parse(text), eval: undefined, millis: () => millis };
    const evaluate = (text) => compile(text).evaluate(undefined, { ...bindings, ...functions });
    const found = async (conditions) => Promise.all(conditions.map(evaluate));
    if ((await found(fails)).includes(true) || (await found(holds)).some((is) => is !== true)) {
      results.push({ unreached: true });
      continue;
    }
    const value = await evaluate(expression);
    if (typeof value === "function" || value?._jsonata_lambda || value?._jsonata_function) throw new Error("a function");
    results.push({ value });
  } catch (error) {
    results.push({ error: error.message ?? String(error) });
  }
}
process.stdout.write(JSON.stringify(results));
