// One dataset: it follows its validation; where its file is missing, it can be sent; its examples can be looked through.

import { enlivenSample } from "./sample.js";
import { enlivenUpload } from "./upload.js";
import { watch } from "./watch.js";

const page = watch("#dataset");

enlivenSample(document.getElementById("sample-said"));
if (document.getElementById("upload-form")) enlivenUpload(() => page.now());
