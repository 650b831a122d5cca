export { changeRecorder } from '../gate/record-change.ts';
