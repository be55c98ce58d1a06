import type { Handler } from 'tsumugi/sdk';

// Variables come from the Function (env), from ConfigMaps and from Secrets: see manifests.yaml.
// curl http://127.0.0.1:8080/function/settings
const settings: Handler = () => ({ greeting: process.env['GREETING'], passwordLength: process.env['PASSWORD']?.length ?? 0 });

export default settings;
