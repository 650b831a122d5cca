/** The version of this package, which a Worker cannot read anywhere. A test holds it against `package.json`. */
export const workerVersion = '0.1.0';
