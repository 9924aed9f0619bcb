"""An executor that trains nothing: it computes what a training run would look like.

A run is a pure function of its facts (order, plan, moment it began, mishaps, stop) and the time, evaluated
when somebody looks. So an active run costs nothing: no thread, no task, no timer of its own.

    executor    the Executor over kept facts
    run         the facts of one run, and what is written down of them
    timeline    facts -> stages, steps and the outcome in time
    series      timeline -> numbered metric points
    narrative   timeline -> log lines
    adapter     facts -> the files a run leaves behind
    curves      step -> metric values
    plan        order -> steps, seconds per step, shape of the curves
    mishaps     what may go wrong on purpose
"""
