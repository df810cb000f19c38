/**
 * @file Bundles the report page into one HTML file, `dist/measuring/report/page.html`, that makes
 * no request.
 */

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { viteSingleFile } from 'vite-plugin-singlefile'

export default defineConfig({
  root: fileURLToPath(new URL('src/measuring/report/page', import.meta.url)),
  logLevel: 'warn',
  plugins: [
    viteSingleFile(),
    {
      name: 'call-it-page',
      enforce: 'post',
      generateBundle(_, bundle) {
        const page = bundle['index.html']
        if (page !== undefined) page.fileName = 'page.html'
      },
    },
  ],
  // The folder also holds the compiled TypeScript of the report.
  build: {
    outDir: fileURLToPath(new URL('dist/measuring/report', import.meta.url)),
    emptyOutDir: false,
    target: 'es2022',
  },
})
