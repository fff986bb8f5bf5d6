/** The environment of this process as a user has it: without the settings by which tap and npm make Node.js run TypeScript. */
export const userEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS$|TAP|_?TAPJS|TS_NODE|npm_)/.test(name)))
