// What a checker found, in the form that all of the newer ones share.

interface Examined {
  /** The property that was checked: 'bank', 'monotonic-reads', ... */
  readonly checker: string;
  /** What was looked at, such as { reads: 812, keys: 5 }. */
  readonly counts: Readonly<Record<string, number>>;
}

export type CheckerVerdict =
  | (Examined & { readonly verdict: 'valid' })
  | (Examined & {
      readonly verdict: 'violated';
      /** One sentence. */
      readonly reason: string;
      /** The shortest explanation found: lines for people, operations with their times. */
      readonly explanation: readonly string[];
    })
  | (Examined & { readonly verdict: 'unknown'; readonly reason: string });
