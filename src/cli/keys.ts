import { verbCommand } from './verbs.ts';

const help = `Usage: countersign keys list [--json] [--home DIR]
       countersign keys rotate ca|timestamp|ct|log [--overlap 2h] [--json] [--home DIR]
       countersign keys compromised ca|timestamp|ct|log [--last-trusted FILE] [--json] [--home DIR]
       countersign keys encrypt|decrypt|passphrase [--home DIR]

The keys that sign, of authorities and log. (API keys, which agents show to the gate, are another command: countersign key)

list         shows every key that the trust root names, and where its private key is
rotate       makes a new key, gives it its place in the trust root beside the old one, and says so in the log. The old private key
             is deleted. Hand out the new trust root afterwards: countersign trust
               --overlap       how long the old key stays valid: 90m, 2h (the default), 3d. Gates that run take up the new key
                               within an hour. Under 2h, and for the log’s key, no gate may run
compromised  the same for a key that somebody else may hold: it ends now. What it signed counts only as far as the last trusted
             checkpoint shows it. Give verifiers the declaration: countersign trust --compromised
               --last-trusted  a checkpoint that was kept; the newest one unless told
encrypt      encrypts the private keys with the passphrase in COUNTERSIGN_KEY_PASSPHRASE
decrypt      the reverse
passphrase   encrypts them with another one, in COUNTERSIGN_NEW_KEY_PASSPHRASE

ca issues the gates’ signing certificates, ct signs the certificate timestamps in them, timestamp stamps signatures, log signs
checkpoints. Each of the two variables may have _FILE behind it: the path of a private file (chmod 600) with the passphrase.
`;

export const keysCommand = verbCommand('keys', help, {
  list: async () => (await import('./keys-list.ts')).keysList,
  rotate: async () => (await import('./keys-rotate.ts')).keysRotate,
  compromised: async () => (await import('./keys-rotate.ts')).keysCompromised,
  encrypt: async () => (await import('./keys-encryption.ts')).keysEncrypt,
  decrypt: async () => (await import('./keys-encryption.ts')).keysDecrypt,
  passphrase: async () => (await import('./keys-encryption.ts')).keysPassphrase,
});
