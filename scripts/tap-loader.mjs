// Transpiles the tests of `npm test` with ./typescript.mjs instead of the compiler that tap brings, which takes five seconds a file.
// Must be imported before tap's own modules: NODE_OPTIONS=--import=…
if (process.env.TAP === '1') {
  process.env.TAP_TYPE_STRIP_ONLY = '1'
  await import('./typescript.mjs')
}
