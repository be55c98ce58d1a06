/** Names of an installation in a cluster that those who look for it must know. */

export const defaultNamespace = 'tsumugi-system';

/** The Services that users reach. */
export const serviceNames = { api: 'tsumugi-api', gateway: 'tsumugi-gateway' } as const;

/** The Secret with the token of the command line. */
export const userTokenSecret = 'tsumugi-cli';

/** Labels of the platform's own objects, `component` besides. */
export const partOf = { 'app.kubernetes.io/part-of': 'tsumugi' } as const;

/** The Role that lets a user reach the platform through the API server. */
export const userRole = 'tsumugi-user';
