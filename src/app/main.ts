/** The demo page's entry: registers the elements, builds the page, starts loading the model. */
import { SHIPPED_MODEL } from "./engine.ts";
import { App } from "./logic/app.ts";
import { keepOffline } from "./logic/offline.ts";
import { AnswerView } from "./parts/answer-view.ts";
import { Camera } from "./parts/camera.ts";
import { Composer } from "./parts/composer.ts";
import { Conversation } from "./parts/conversation.ts";
import { ModelStatus } from "./parts/model-status.ts";
import { ModelsPanel } from "./parts/models-panel.ts";
import { OfflineStatus } from "./parts/offline-status.ts";
import { Page } from "./parts/page.ts";
import { PicturePanel } from "./parts/picture-panel.ts";
import { PictureView } from "./parts/picture-view.ts";
import { SceneBuilder } from "./parts/scene-builder.ts";
import { SettingsPanel } from "./parts/settings-panel.ts";
import { Statistics } from "./parts/statistics.ts";
import { StoredModels } from "./parts/stored-models.ts";
import { SAMPLES } from "./scene/samples.ts";
import { allowOwnScripts } from "./trusted-types.ts";

const ELEMENTS = {
  "app-answer": AnswerView,
  "app-camera": Camera,
  "app-composer": Composer,
  "app-conversation": Conversation,
  "app-model-status": ModelStatus,
  "app-models": ModelsPanel,
  "app-offline": OfflineStatus,
  "app-page": Page,
  "app-picture-panel": PicturePanel,
  "app-picture-view": PictureView,
  "app-scene-builder": SceneBuilder,
  "app-settings": SettingsPanel,
  "app-statistics": Statistics,
  "app-stored-models": StoredModels,
};
allowOwnScripts();
const app = new App();
const asked = new URLSearchParams(location.search).get("model");
// First, so that the worker starts while the page is built.
if (!asked) void app.models.load(SHIPPED_MODEL, SHIPPED_MODEL);

for (const [name, element] of Object.entries(ELEMENTS)) customElements.define(name, element);
const page = new Page();
page.app = app;
document.body.append(page);
if (asked) page.openModel(asked);
void app.showSample(SAMPLES[0]!);
// Vite's own server has no service worker.
if (import.meta.env.PROD) void keepOffline(page.app);
