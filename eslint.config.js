import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

export default defineConfig(
  // The consumer is checked where it is installed, by test/package/package.test.ts.
  { ignores: ['dist/', 'public/', '.tap/', 'node_modules/', 'bench/node_modules/', 'test/package/consumer/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // A Fastify plugin is async so that it needs no callback, whether or not it awaits something.
      '@typescript-eslint/require-await': 'off',
      // The classes of ws reach us through @fastify/websocket, as its types and not as constructors.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Fastify and tap tell an asynchronous function by what it returns, also when it has nothing to wait for.
      '@typescript-eslint/require-await': 'off'
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
    files: ['**/*.ts', '**/*.js', '**/*.mjs'],
    rules: { semi: ['error', 'never'], quotes: ['error', 'single', { avoidEscape: true, allowTemplateLiterals: true }], eqeqeq: 'error', 'prefer-const': 'error', 'no-var': 'error' }
  }
)
