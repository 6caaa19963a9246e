/** Sample 5 ends the first thread that reads it; sample 17 cannot be read. */
export default class Odd {
  constructor(length, deaths) {
    this.length = length;
    this.deaths = deaths;
  }

  get(index) {
    if (index === 5 && Atomics.add(this.deaths, 0, 1) === 0) process.exit(3);
    if (index === 17) throw new Error('torn');
    return [Float32Array.of(index)];
  }
}
