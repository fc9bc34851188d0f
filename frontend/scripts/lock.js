// Writes the lock files anew, without the addresses that npm copies into them.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

for (const folder of [".", "codegen"]) {
  execFileSync("npm", ["install", "--package-lock-only", "--ignore-scripts"], {
    cwd: folder,
    stdio: "inherit",
  });
  const file = `${folder}/package-lock.json`;
  const lock = JSON.parse(readFileSync(file, "utf8"));
  for (const entry of Object.values(lock.packages)) delete entry.funding;
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
