/** Common names in the certificates and the trust root of a private authority; the organisation is the trust domain. */
export const authorityNames = {
  root: 'Countersign Root CA',
  issuing: 'Countersign Issuing CA',
  timestampRoot: 'Countersign TSA Root CA',
  timestamp: 'Countersign TSA',
  workload: 'Countersign Workload Root CA',
} as const;
