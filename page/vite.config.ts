import { defineConfig, type Plugin } from 'vite';

/** What the built page may load: its own files, and nothing else from anywhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Writes the policy into the built page, so that it holds on any static server. */
const policy: Plugin = {
  name: 'policy',
  apply: 'build',
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY }, injectTo: 'head-prepend' },
  ],
};

const built = (file: string) => new URL(`../dist/src/${file}`, import.meta.url).pathname;

export default defineConfig({
  base: './',
  plugins: [policy],
  // The engine as its users get it: what `npm run build` at the root has made of this tree.
  resolve: {
    alias: [
      { find: /^dotbias\/worker$/, replacement: built('worker/serve.js') },
      { find: /^dotbias$/, replacement: built('index.js') },
    ],
  },
  worker: {
    format: 'es',
    rolldownOptions: {
      // What the worker begins with, and shares with what it reads on demand, in one file: small ones compress badly.
      output: {
        codeSplitting: {
          groups: [
            {
              name: 'shared',
              test: /dist\/(src\/(base\/(?!json|safetensors)|model\/(table-side|rows|pairs)|answer\/(trained-model|prior|top-lists))|shaders\/ops)/,
              minShareCount: 2,
            },
          ],
        },
      },
    },
  },
  server: { fs: { allow: ['..'] } },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
