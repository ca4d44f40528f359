// Loaded before cognito-local: its clock is the file that OATHBRIDGE_CLOCK names, Unix seconds.
const { readFileSync } = require("node:fs");

Date.now = () => 1000 * Number(readFileSync(process.env.OATHBRIDGE_CLOCK, "ascii"));
