/** What became of each promise: its value, or the code that it was refused with. */
export async function settled<T>(promises: readonly Promise<T>[]): Promise<(T | string)[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => (result.status === 'fulfilled' ? result.value : codeOf(result.reason)));
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const [result] = await settled([promise.then(() => 'resolved')]);
  return String(result);
}
