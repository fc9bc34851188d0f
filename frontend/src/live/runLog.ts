import type { Line } from "@/api/types";

export type LogSnapshot = { lines: readonly Line[]; error: unknown };

type Read = (after: number) => Promise<Line[]>;

/**
 * The lines of one run, kept outside React: they arrive in thousands, and are drawn once a frame.
 *
 * Lines come from two sides, by asking and by being told; a sequence number tells what is known
 * already and what is missing, and a gap is closed by asking.
 */
export class RunLog {
  /** What to draw; another object whenever it changed. */
  snapshot: LogSnapshot = { lines: [], error: null };

  readonly #lines: Line[] = [];
  readonly #read: Read;
  readonly #nextFrame: (draw: () => void) => void;
  readonly #listeners = new Set<() => void>();
  #error: unknown = null;
  #reading: Promise<void> | null = null;
  #isStale = false;
  #isDrawing = false;

  constructor(
    read: Read,
    nextFrame: (draw: () => void) => void = (draw) => requestAnimationFrame(draw),
  ) {
    this.#read = read;
    this.#nextFrame = nextFrame;
  }

  /** The highest sequence number that is known; 0 before the first line. */
  get last(): number {
    return this.#lines.at(-1)?.seq ?? 0;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Lines that the server sent by itself. */
  append(lines: readonly Line[]): void {
    const fresh = lines.filter((line) => line.seq > this.last);
    const [first] = fresh;
    if (first === undefined) return;
    if (first.seq > this.last + 1) void this.catchUp();
    else this.#add(fresh);
  }

  /** Ask for what is stored above the last known line, until nothing more comes. */
  catchUp(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#readWhileStale();
    return this.#reading;
  }

  async #readWhileStale(): Promise<void> {
    try {
      while (this.#isStale) {
        this.#isStale = false;
        await this.#readAll();
      }
      this.#tell(null);
    } catch (error) {
      this.#tell(error);
    } finally {
      this.#reading = null;
    }
  }

  async #readAll(): Promise<void> {
    let lines: Line[];
    do {
      lines = await this.#read(this.last);
      this.#add(lines.filter((line) => line.seq > this.last));
    } while (lines.length > 0);
  }

  #add(lines: readonly Line[]): void {
    if (lines.length === 0) return;
    for (const line of lines) this.#lines.push(line);
    this.#draw();
  }

  #tell(error: unknown): void {
    if (this.#error === error) return;
    this.#error = error;
    this.#draw();
  }

  #draw(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    this.#nextFrame(() => {
      this.#isDrawing = false;
      this.snapshot = { lines: [...this.#lines], error: this.#error };
      for (const listener of this.#listeners) listener();
    });
  }
}
