/** Set up before the tests of `npm test -- small`: every device has the smallest limits. */
import { giveSmallDevices } from "./small-device.ts";

giveSmallDevices();
