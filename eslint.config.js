import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']))
const NODE = readonly(Object.getOwnPropertyNames(globalThis))
/** Globals of a browser that the pages of the examples use, and the client. */
const PAGE = readonly(['document', 'location', 'history', 'sessionStorage', 'localStorage', 'navigator', 'requestAnimationFrame', 'addEventListener', 'WebSocket', 'connectToChannel'])

export default defineConfig(
  // The consumers, and the example for Nest, are checked where their packages are installed, by test/package and test/examples.
  {
    ignores: [
      'dist/', 'public/*.js', 'public/*.mjs', 'packages/*/dist/', '.tap/', 'node_modules/', 'bench/node_modules/', 'test/package/consumer/', 'test/package/client-consumer/',
      'examples/nest/src/', 'examples/nest/dist/'
    ]
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{js,mjs,cjs}'],
    extends: [js.configs.recommended],
    languageOptions: { globals: NODE },
    rules: {
      // `{ left, ...gaps }` is how a property is left out.
      'no-unused-vars': ['error', { ignoreRestSiblings: true }]
    }
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: readonly(['require', 'module', 'exports', '__dirname']) } },
  { files: ['examples/*/page/*.js'], languageOptions: { globals: PAGE } },
  {
    files: ['**/*.ts', 'packages/**/*.mts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Fastify and tap tell an asynchronous function by what it returns, also when it has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // The classes of ws reach us through @fastify/websocket, as its types and not as constructors.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error'
    }
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // tap itself waits for its subtests; every other promise is awaited, `t.rejects()` above all.
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', package: '@tapjs/test', name: 'test' }] }]
    }
  },
  {
    files: ['**/*.ts', 'packages/**/*.mts', '**/*.{js,mjs,cjs}'],
    rules: {
      semi: ['error', 'never'],
      quotes: ['error', 'single', { avoidEscape: true, allowTemplateLiterals: true }],
      eqeqeq: 'error',
      'prefer-const': 'error',
      'no-var': 'error'
    }
  },
  {
    files: ['**/*.ts', 'packages/**/*.mts', '**/*.{js,mjs,cjs}'],
    ignores: ['src/client/**'],
    rules: {
      // Deprecated for want of a maintainer and not for a fault; its successor would be one more package.
      'max-len': ['error', { code: 140, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }]
    }
  }
)
