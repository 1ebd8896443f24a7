/** The demo page's entry: registers the elements, builds the page, goes on with the last conversation, loads a model. */
import { FoveaChat } from "../element/fovea-chat.ts";
import { serverIn } from "../element/server-source.ts";
import { SHIPPED_MODEL } from "./engine.ts";
import { App } from "./logic/app.ts";
import { kept } from "./logic/history.ts";
import { keepOffline } from "./logic/offline.ts";
import { AttachMenu } from "./parts/attach-menu.ts";
import { Camera } from "./parts/camera.ts";
import { HubSearch } from "./parts/hub-search.ts";
import { Inspector } from "./parts/inspector.ts";
import { ModelPill } from "./parts/model-pill.ts";
import { ModelsPanel } from "./parts/models-panel.ts";
import { OfflineStatus } from "./parts/offline-status.ts";
import { Page } from "./parts/page.ts";
import { PictureView } from "./parts/picture-view.ts";
import { Research } from "./parts/research.ts";
import { SceneBuilder } from "./parts/scene-builder.ts";
import { ServerForm } from "./parts/server-form.ts";
import { SmallCopyPart } from "./parts/small-copy.ts";
import { SpeedSlider } from "./parts/speed-slider.ts";
import { Statistics } from "./parts/statistics.ts";
import { StoredModels } from "./parts/stored-models.ts";
import { SuggestedModels } from "./parts/suggested-models.ts";
import { Welcome } from "./parts/welcome.ts";
import { allowOwnScripts } from "./trusted-types.ts";

const ELEMENTS = {
  "app-attach": AttachMenu,
  "app-camera": Camera,
  "app-inspector": Inspector,
  "app-model-pill": ModelPill,
  "app-hub-search": HubSearch,
  "app-models": ModelsPanel,
  "app-offline": OfflineStatus,
  "app-page": Page,
  "app-picture-view": PictureView,
  "app-research": Research,
  "app-scene-builder": SceneBuilder,
  "app-server-form": ServerForm,
  "app-small-copy": SmallCopyPart,
  "app-speed": SpeedSlider,
  "app-statistics": Statistics,
  "app-stored-models": StoredModels,
  "app-suggested-models": SuggestedModels,
  "app-welcome": Welcome,
  "fovea-chat": FoveaChat,
};
allowOwnScripts();
const app = new App();
for (const [name, element] of Object.entries(ELEMENTS)) customElements.define(name, element);
const page = new Page();
page.app = app;
document.body.append(page);
await page.updateComplete;

const { model: linked } = Object.fromEntries(new URLSearchParams(location.search));
// A link may not send the user's pictures to a server.
const asked = linked && !serverIn(linked) ? linked : undefined;
const earlier = await kept();
if (earlier && (!asked || asked === earlier.model)) app.restore(earlier);
if (earlier && !asked && serverIn(earlier.model)) void app.openServer(earlier.model);
else if (asked) void page.openModel(asked);
else if (!earlier || earlier.model === SHIPPED_MODEL) app.choose(SHIPPED_MODEL, SHIPPED_MODEL);
// A model that the browser has deleted meanwhile is not downloaded unasked.
else void page.openModel(earlier.model);
// Vite's own server has no service worker.
if (import.meta.env.PROD) void keepOffline(app);
