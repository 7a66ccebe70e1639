import { launcherConformance } from '../conformance/launcher.ts';
import { processHarness } from './process-harness.ts';

launcherConformance('process', async () => processHarness());
