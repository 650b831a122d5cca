import { Hono } from 'hono';
import type { Json } from '../../call/json.ts';
import { CountersignError, toCountersignError } from '../../errors.ts';
import { readObject } from '../../gate/caller-request.ts';
import type { Credentials } from '../../identity/principal.ts';
import { refusalAnswer, toResponse } from './answers.ts';
import { credentialsOf } from './credentials.ts';
import { describeRoute, type Operation } from './describe-route.ts';
import { readBody } from './read-body.ts';

export const enrolmentPath = '/v1/enrolment';

/** A workload that wants a certificate, and how it says who it is: by a token, or by the certificate of its connection. */
export interface EnrolmentRequest {
  /** PKCS#10, PEM or base64 of DER. */
  readonly csr: string;
  readonly joinToken?: string;
  readonly workloadToken?: string;
}

export interface EnrolledCertificate {
  /** PEM. */
  readonly certificate: string;
  /** What it chains to, PEM. */
  readonly authority: string;
  /** Wall milliseconds. */
  readonly notAfter: number;
}

export interface EnrolmentDesk {
  /** Rejects with the reason, which it counts. Of the credentials, certificate and proofs of possession are looked at. */
  enrol(request: EnrolmentRequest, credentials: Credentials): Promise<EnrolledCertificate>;
}

/** A request of 8 KiB in base64, a token of 16 KiB, and what JSON adds. */
const maxBody = 32_768;

/** `POST /v1/enrolment`: a certificate for an agent that has no API key yet. */
export function enrolmentRoutes(desk: EnrolmentDesk): Hono {
  const app = new Hono();
  app.post(enrolmentPath, describeRoute(operation), async (context) => {
    try {
      const request = readEnrolmentRequest(await readBody(context.req.raw, maxBody));
      const { certificate, authority, notAfter } = await desk.enrol(request, credentialsOf(context));
      return context.json({ certificate, authority, notAfter: new Date(notAfter).toISOString() }, 200, {
        'cache-control': 'no-store',
      });
    } catch (error) {
      const { code, message } = toCountersignError(error, 'INTERNAL', 'No certificate could be issued.');
      return toResponse(refusalAnswer(code, message));
    }
  });
  return app;
}

function readEnrolmentRequest(bytes: Uint8Array): EnrolmentRequest {
  const { csr, joinToken, workloadToken, ...others } = readObject(bytes);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw malformed('It has csr, and joinToken or workloadToken, and nothing else.');
  if (typeof csr !== 'string' || !isOptionalText(joinToken) || !isOptionalText(workloadToken))
    throw malformed('csr is text, and so is the token.');
  if (joinToken !== undefined && workloadToken !== undefined)
    throw malformed('There is one token, joinToken or workloadToken.');
  return {
    csr,
    ...(joinToken !== undefined && { joinToken }),
    ...(workloadToken !== undefined && { workloadToken }),
  };
}

function isOptionalText(value: Json | undefined): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function malformed(why: string): CountersignError {
  return new CountersignError('FRAME_INVALID', `This is no request for enrolment. ${why}`);
}

const text = { type: 'string' };

const operation: Operation = {
  summary: 'A certificate for an agent',
  description:
    'For whoever has a join token, a token of a configured issuer, or, over mutual TLS, a certificate from here that is still valid. No API key is needed. Each certificate is in the log before it is handed out.',
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: {
            csr: { ...text, description: 'PKCS#10 for a P-256 key, PEM or base64 of DER.' },
            joinToken: text,
            workloadToken: { ...text, description: 'A compact JWS.' },
          },
          required: ['csr'],
          additionalProperties: false,
        },
      },
    },
  },
  responses: {
    200: {
      description: 'An X.509-SVID, and what it chains to.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: {
              certificate: { ...text, description: 'PEM.' },
              authority: { ...text, description: 'PEM.' },
              notAfter: { ...text, format: 'date-time' },
            },
            required: ['certificate', 'authority', 'notAfter'],
          },
        },
      },
    },
  },
};
