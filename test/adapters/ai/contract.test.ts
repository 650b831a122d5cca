import { describeAdapter } from '../contract.ts';
import { drivers } from './drivers.ts';

drivers.forEach(describeAdapter);
