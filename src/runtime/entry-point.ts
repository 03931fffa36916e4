// Where a thread or process of ours begins.

/**
 * The file to start: `source` as it is named in the sources, with the extension of the module that asks (`.ts` in the
 * repository, `.js` in the published package, where the compiler rewrites imports but not URLs).
 * @param source `new URL('./name.ts', import.meta.url)` @param importer `import.meta.url`
 */
export function entryPoint(source: URL, importer: string): URL {
  return importer.endsWith('.ts') ? source : new URL(source.href.replace(/\.ts$/, '.js'));
}
