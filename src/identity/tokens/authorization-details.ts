import { isJsonObject, isTexts, type Json, type JsonObject } from '../../call/json.ts';
import { isToolPattern } from '../../call/tool-pattern.ts';
import type { ToolLimit } from '../principal.ts';
import type { RefuseToken } from './token-fault.ts';

/** The `type` of our entries in `authorization_details` (RFC 9396 §2). */
const ourType = 'countersign_tools';
const ourMembers = ['type', 'tools', 'locations'];

const maxDetails = 64;
const maxPatterns = 256;

/**
 * What the claim `authorization_details` leaves of an agent's tools; undefined for a token without it. It only ever narrows: no entry
 * for us is no tool. Of an entry for us every member counts, so that one which we do not know, and which might narrow further, is
 * refused (RFC 9396 §5).
 */
export function readToolLimit(
  { authorization_details: details }: JsonObject,
  audiences: readonly string[],
  refuse: RefuseToken,
): ToolLimit | undefined {
  if (details === undefined) return undefined;
  if (!Array.isArray(details) || details.length > maxDetails)
    throw refuse('CLAIMS_INVALID', 'has “authorization_details” that are no list, or too long');
  const tools = details.flatMap((entry) => toolsOf(entry, audiences, refuse));
  return { by: 'delegation', tools: [...new Set(tools)] };
}

function toolsOf(entry: Json, audiences: readonly string[], refuse: RefuseToken): readonly string[] {
  if (!isJsonObject(entry) || typeof entry['type'] !== 'string')
    throw refuse('CLAIMS_INVALID', 'has an entry of “authorization_details” without a type');
  if (entry['type'] !== ourType) return [];
  const { tools, locations } = entry;
  if (!Object.keys(entry).every((name) => ourMembers.includes(name)))
    throw refuse('CLAIMS_INVALID', `has a member in an entry ${ourType} that is not known here`);
  if (!isTexts(tools) || tools.length > maxPatterns || !tools.every(isToolPattern))
    throw refuse('CLAIMS_INVALID', `has an entry ${ourType} whose tools are no patterns, or too many`);
  if (locations !== undefined && !isTexts(locations))
    throw refuse('CLAIMS_INVALID', `has an entry ${ourType} whose locations are no list of texts`);
  const isForUs = locations === undefined || locations.some((place) => audiences.includes(place));
  return isForUs ? tools : [];
}
