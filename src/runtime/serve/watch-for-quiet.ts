export interface QuietOptions {
  /** Milliseconds; never unless told. */
  readonly after: number | undefined;
  /** Whether somebody waits for an answer. */
  readonly isBusy: () => boolean;
  /** Resolves once nobody has an outcome to report. */
  readonly settled: () => Promise<void>;
  readonly onQuiet: () => void;
}

export interface Quiet {
  /** Somebody asked something. */
  asked(): void;
  /** Looks no more. */
  end(): void;
}

/** Says, once, that for a while nobody has asked anything, that nobody waits for an answer, and that no call is open. */
export function watchForQuiet({ after, isBusy, settled, onQuiet }: QuietOptions): Quiet {
  if (after === undefined) return { asked: () => undefined, end: () => undefined };
  let asked = performance.now();
  let isOver = false;
  const left = (): number => asked + after - performance.now();
  const look = async (): Promise<void> => {
    await settled();
    if (isOver) return;
    if (isBusy()) asked = performance.now();
    if (left() <= 0) onQuiet();
    else timer = lookIn(Math.max(1, left()));
  };
  // What listens keeps the process alive; where nothing could, this must not.
  const lookIn = (ms: number): NodeJS.Timeout => setTimeout(() => void look(), ms).unref();
  let timer = lookIn(after);
  return {
    asked: () => void (asked = performance.now()),
    end() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
