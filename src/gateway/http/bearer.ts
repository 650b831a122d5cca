/** The API key of `Authorization: Bearer KEY` (RFC 6750 §2.1); undefined when there is none in this form. */
export function bearerKey(headers: Headers): string | undefined {
  return /^Bearer ([\w~+/.-]+=*)$/i.exec(headers.get('authorization') ?? '')?.[1];
}
