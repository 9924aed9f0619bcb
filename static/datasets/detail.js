// One dataset: it follows its validation; where its file is missing, it can be sent.

import { enlivenUpload } from "./upload.js";
import { watch } from "./watch.js";

const page = watch("#dataset");

if (document.getElementById("upload-form")) enlivenUpload(() => page.now());
