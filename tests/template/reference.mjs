// Evaluates expressions with the reference implementation of JSONata, as Step Functions does: reads
// [[expression, {variable: value}], …] and prints [{value} or {undefined: true} or {error}, …].
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const jsonata = createRequire(process.argv[2] + "/")("jsonata");
const cases = JSON.parse(readFileSync(0, "utf8"));
const compiled = new Map();
const answers = [];
for (const [expression, variables] of cases) {
    try {
        let program = compiled.get(expression);
        if (!program) {
            program = jsonata(expression);
            program.registerFunction("parse", (text) => JSON.parse(text), "<s:x>");
            compiled.set(expression, program);
        }
        const value = await program.evaluate(undefined, variables);
        answers.push(value === undefined ? { undefined: true } : { value });
    } catch (error) {
        answers.push({ error: error.message ?? String(error) });
    }
}
process.stdout.write(JSON.stringify(answers));
