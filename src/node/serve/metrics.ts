/** Upper ends of the classes of response times, in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts requests and how long they took, as Prometheus reads it. */
export class Metrics {
  readonly #routes = new Map<string, { statuses: Map<number, number>; buckets: number[]; seconds: number; count: number }>();

  /** Counts an answered request. @param route its method and path as declared, or 'none' */
  observe(route: string, status: number, seconds: number): void {
    let of = this.#routes.get(route);
    if (of === undefined) {
      of = { statuses: new Map(), buckets: BUCKETS.map(() => 0), seconds: 0, count: 0 };
      this.#routes.set(route, of);
    }
    of.statuses.set(status, (of.statuses.get(status) ?? 0) + 1);
    const bucket = BUCKETS.findIndex((end) => seconds <= end);
    if (bucket >= 0) of.buckets[bucket]++;
    of.seconds += seconds;
    of.count++;
  }

  /** The text that Prometheus reads. @param values of the moment, by name: what each is, its type and its value */
  text(values: Readonly<Record<string, readonly [help: string, type: 'gauge' | 'counter', value: number]>>): string {
    const lines: string[] = [];
    const head = (name: string, help: string, type: string) => lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [name, [help, type, value]] of Object.entries(values)) {
      head(name, help, type);
      lines.push(`${name} ${value}`);
    }
    head('dotbias_requests_total', 'Requests that were answered.', 'counter');
    for (const [route, { statuses }] of this.#routes) {
      for (const [status, count] of statuses) lines.push(`dotbias_requests_total{route="${route}",status="${status}"} ${count}`);
    }
    const name = 'dotbias_request_seconds';
    head(name, 'Time from the head of a request to its answer.', 'histogram');
    for (const [route, { buckets, seconds, count }] of this.#routes) {
      let below = 0;
      BUCKETS.forEach((end, k) => lines.push(`${name}_bucket{route="${route}",le="${end}"} ${(below += buckets[k])}`));
      lines.push(`${name}_bucket{route="${route}",le="+Inf"} ${count}`);
      lines.push(`${name}_sum{route="${route}"} ${seconds}`, `${name}_count{route="${route}"} ${count}`);
    }
    return `${lines.join('\n')}\n`;
  }
}
