// The list: rows follow the validations that run; a new dataset appears in it at once.

import { toast } from "../toast.js";
import { enlivenUpload } from "./upload.js";
import { watch } from "./watch.js";

const rows = watch("#datasets");

enlivenUpload((dataset) => {
  toast(`“${dataset.name}” is being validated.`, "good");
  rows.now();
});
