import { defineConfig } from 'vitest/config';
import type { Reporter } from 'vitest/node';

/** One plain line at the very end, for machines that read test results out of a log. */
const closingLine: Reporter = {
  onTestRunEnd(modules) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== 'pending') counts[state]++;
      }
      // A file that fails before its tests are known has none to count.
      counts.failed += module.errors().length;
    }
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  },
};

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'scenarios/**/*.test.ts', 'dashboards/**/*.test.ts'],
    reporters: ['default', closingLine],
    // Simulations and process clusters share the machine; two at a time keep a 2-core machine responsive.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
