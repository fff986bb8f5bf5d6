import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** A directory with a short path, because that of a unix socket is limited; the end of the test removes it. */
export function createDirectory (t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'messenger-'))
  t.teardown(() => { rmSync(directory, { recursive: true, force: true }) })
  return directory
}
