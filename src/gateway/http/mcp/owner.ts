export { ownerOf } from '../../mcp/owner.ts';
