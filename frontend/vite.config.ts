import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const SERVER = process.env.NOMAFLOW_SERVER ?? "http://127.0.0.1:8055";
const SMALLEST = 1024; // below, compressing costs more than it saves

export default defineConfig({
  base: "./", // the pages also live below another application's path
  plugins: [react(), compressed()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: { target: "es2022", chunkSizeWarningLimit: 900, modulePreload: { polyfill: false } },
  server: {
    proxy: { "/api": SERVER, "/socket.io": { target: SERVER, ws: true } },
  },
});

/** Writes a .gz and a .br beside each text file: the server sends them as they are. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      for (const [fileName, made] of Object.entries(bundle)) {
        const text = made.type === "chunk" ? made.code : made.source;
        if (!/\.(js|css|svg)$/.test(fileName) || text.length < SMALLEST) continue;
        const bytes = Buffer.from(text);
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
        this.emitFile({
          type: "asset",
          fileName: `${fileName}.gz`,
          source: gzipSync(bytes, { level: 9 }),
        });
        this.emitFile({
          type: "asset",
          fileName: `${fileName}.br`,
          source: brotliCompressSync(bytes, quality),
        });
      }
    },
  };
}
