// What the code loads with its first use is here before the first schedule: how long loading takes is the machine's matter, and a second
// schedule would find it done. worker.ts ends a run whose schedule loads anything else.
import 'fflate/browser'
import 'file-type'
import 'sharp'
import 'yauzl'
import '../../engine/deliver.ts'
import '../../engine/erase.ts'
import '../../engine/pass.ts'
import '../../engine/sweep.ts'
import '../../notify/webhook.ts'
import '../../providers/fal/provider.ts'
import '../../providers/replicate/provider.ts'
