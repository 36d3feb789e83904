/** One line of `endpoints` in `GET /`. In a file of its own, since the public types need it and no type of Express. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly description: string;
}
