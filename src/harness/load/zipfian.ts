// Skewed choice: few keys get most of the operations.

/** As in YCSB. */
const EXPONENT = 0.99;

/**
 * Ranks 0 to n - 1 with probabilities in proportion to 1 / (rank + 1)^0.99, in constant time a draw: Gray, Sundaresan,
 * Englert, Baclawski, Weinberger: Quickly Generating Billion-Record Synthetic Databases (SIGMOD 1994), as in YCSB's
 * ZipfianGenerator. Exact for the ranks 0 and 1, an approximation by a continuous distribution behind them. Rank 0 is
 * the most popular; ranks are not scattered, because nothing here depends on which keys are neighbours.
 */
export class Zipfian {
  readonly #n: number;
  readonly #zeta: number;
  readonly #alpha = 1 / (1 - EXPONENT);
  readonly #eta: number;

  /** @param n >= 1; construction takes time in proportion to it. */
  constructor(n: number) {
    if (!(Number.isInteger(n) && n >= 1)) throw new RangeError(`a zipfian choice is among >= 1 items, not ${n}`);
    let zeta = 0;
    for (let rank = 1; rank <= n; rank++) zeta += 1 / rank ** EXPONENT;
    this.#n = n;
    this.#zeta = zeta;
    this.#eta = (1 - (2 / n) ** (1 - EXPONENT)) / (1 - (1 + 0.5 ** EXPONENT) / zeta);
  }

  /** The rank that a uniformly distributed number, 0 <= u < 1, stands for. */
  draw(u: number): number {
    const area = u * this.#zeta;
    if (area < 1 || this.#n === 1) return 0;
    if (area < 1 + 0.5 ** EXPONENT || this.#n === 2) return 1;
    return Math.min(this.#n - 1, Math.floor(this.#n * (this.#eta * u - this.#eta + 1) ** this.#alpha));
  }
}
