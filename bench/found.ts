/** Seconds by what was measured. */
export class Found {
  private readonly values = new Map<string, number[]>();
  add(key: string, seconds: number): void {
    this.values.set(key, [...(this.values.get(key) ?? []), seconds]);
  }
  of(key: string): readonly number[] {
    return this.values.get(key) ?? [];
  }
}
