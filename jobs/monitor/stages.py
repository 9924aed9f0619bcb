"""What a stage is about, for someone who waits for the next one."""

from jobs.states import Stage

# Shown until the cluster says in its own words what it is busy with.
ABOUT: dict[str, str] = {
    Stage.QUEUED: "The job is about to be handed to the GPU cluster.",
    Stage.SUBMISSION_UNCONFIRMED: "Nobody knows yet whether the GPU cluster took the job.",
    Stage.INITIALIZING: "The GPU cluster has the job and gets ready for it.",
    Stage.QUEUED_ON_GPU: "The GPU cluster has the job. It starts when enough GPUs are free.",
    Stage.PREPROCESSING: "The dataset is fetched, checked and cut into tokens.",
    Stage.MODEL_LOADING: "The base model is fetched and loaded.",
    Stage.TRAINING: "",  # the curve tells more
    Stage.SAVING: "What was learned is written to files.",
    Stage.UPLOADING: "The files are on their way into storage.",
    Stage.FINALIZATION: "Training has ended. Its files are checked and put in order.",
}
