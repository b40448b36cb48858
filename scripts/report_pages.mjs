// report_pages.mjs CHROMIUM FOLDER NAME...: opens FOLDER/NAME.html in every way and reports what is wrong.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const require = createRequire(`${process.env.PLAYWRIGHT}/node_modules/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core"), "utf8");

const [executable, folder, ...names] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox"] });
const faults = [];

async function look(name, width, colorScheme, media) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const what = `${name} at ${width}, ${media === "print" ? "on paper" : colorScheme}`;
  page.on("console", (message) => faults.push(`${what}: console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`${what}: ${error}`));
  page.on("dialog", (dialog) => { faults.push(`${what}: a dialog`); dialog.dismiss(); });
  const url = `file://${resolve(folder, name)}.html`;
  page.on("request", (request) => { if (request.url() !== url) faults.push(`${what}: loads ${request.url()}`); });
  await page.emulateMedia({ media, colorScheme });
  await page.goto(url);
  const file = `${folder}/${name}-${width}-${media === "print" ? "print" : colorScheme}`;
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) faults.push(`${what}: ${wide} pixels too wide`);
  if (media === "screen") {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    for (const one of violations) {
      faults.push(`${what}: ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html).join(" ")}`);
    }
  }
  await page.screenshot({ path: `${file}.png`, fullPage: true });
  if (width > 1000 && colorScheme === "light" && media === "screen") {
    await page.screenshot({ path: `${folder}/${name}-top.png`, clip: { x: 0, y: 0, width, height: 1150 }, fullPage: true });
  }
  if (media === "screen" && name === names[0]) await sorts(page, what);
  await context.close();
}

/** Whether the keys of prefixes descend once their head is pressed, and ascend after the second time. */
async function sorts(page, what) {
  const table = page.locator("[aria-labelledby=prefixes] table");
  for (const order of ["descending", "ascending"]) {
    await table.getByRole("button", { name: "keys", exact: true }).click();
    const keys = await table.locator("tbody tr td:nth-child(2)").allTextContents();
    const numbers = keys.map((text) => Number(text.replaceAll(",", "")));
    const sorted = numbers.toSorted((one, other) => (order === "ascending" ? one - other : other - one));
    if (numbers.length < 5 || numbers.join() !== sorted.join()) faults.push(`${what}: not ${order}: ${numbers}`);
  }
}

for (const name of names) {
  for (const width of [390, 1120]) {
    for (const scheme of ["light", "dark"]) await look(name, width, scheme, "screen");
  }
  await look(name, 794, "dark", "print");
}
const context = await browser.newContext({ javaScriptEnabled: false });
const page = await context.newPage();
await page.goto(`file://${resolve(folder, names[0])}.html`);
if (!(await page.locator("h2").count())) faults.push(`${names[0]}: empty without scripts`);
await page.pdf({ path: `${folder}/${names[0]}.pdf`, format: "A4", printBackground: true });
await browser.close();
for (const fault of faults) console.error(`fault: ${fault}`);
console.log(`${names.length} pages in 5 forms each, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
