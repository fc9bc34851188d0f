// A stock Socket.IO client that follows a run to its end, torn from the server again and again.
// Called as: node follow.mjs FOLDER_OF_NODE_MODULES URL TOKEN RUN; prints {"lines", "connections"}.
import { createRequire } from "node:module";

const [folder, url, token, run] = process.argv.slice(2);
const { io } = createRequire(`${folder}/`)("socket.io-client");
const LINES_PER_CONNECTION = 80;

const lines = [];
let connections = 0;
let tearAt = 0;

const socket = io(url, { auth: { token }, reconnectionDelay: 20, reconnectionDelayMax: 50 });
socket.on("connect", () => {
  connections += 1;
  tearAt = lines.length + LINES_PER_CONNECTION;
  socket.emit("subscribe", { run: Number(run), after: lines.at(-1)?.seq ?? 0 });
});
socket.on("run.log", (batch) => {
  lines.push(...batch.lines);
  if (lines.length >= tearAt) socket.io.engine.close();
});
socket.on("run.changed", ({ state }) => {
  if (state === "QUEUED" || state === "RUNNING") return;
  process.stdout.write(JSON.stringify({ lines, connections }), () => process.exit(0));
});
socket.on("connect_error", (error) => {
  console.error(error.message);
  if (!socket.active) process.exit(1);
});
