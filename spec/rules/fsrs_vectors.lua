-- Published results of FSRS-6: from the tests of ts-fsrs and py-fsrs (MIT) and fsrs-rs (BSD-3), and, for `trace`, printed
-- by ts-fsrs 5.4.2 without fuzz. Grades other than "Again" (1) and "Good" (3) are left out.
return {
  -- Reviews so many days after one another, beginning with "Again".
  memory = {
    grades = { 1, 3, 3, 3, 3, 3 },
    elapsed_days = { 0, 0, 1, 3, 8, 21 },
    stability = 53.62691,
    difficulty = 6.3574867,
  },

  -- Single steps from stability 5 at different difficulties and chances to remember.
  steps = {
    { grade = 1, difficulty = 1, chance = 0.9, stability = 1.05253961, },
    { grade = 1, difficulty = 2, chance = 0.8, stability = 1.18943295 },
    { grade = 1, difficulty = 3, chance = 0.7, stability = 1.36808387 },
    { grade = 1, difficulty = 4, chance = 0.6, stability = 1.58498896 },
    { grade = 3, difficulty = 3, chance = 0.7, stability = 58.65599107 },
  },
  same_day = {
    { grade = 1, stability = 1.596818 },
    { grade = 3, stability = 5 },
  },
  difficulties = { -- from 5
    { grade = 1, difficulty = 8.34176237 },
    { grade = 3, difficulty = 4.99022837 },
  },
  first = {
    { grade = 1, stability = 0.212, difficulty = 6.4133 },
    { grade = 3, stability = 2.3065, difficulty = 2.11810397 },
  },

  -- The chance to remember after 0, 1, 2 and 3 days with stability 1.
  curve = { 1, 0.9, 0.84588465, 0.8093881 },

  -- Days until the chance has sunk to 0.1, 0.2 … 1.0, with stability 1. (In single precision the first is 3116766.)
  retention = { 3116769, 34793, 2508, 387, 90, 27, 9, 3, 1, 1 },

  -- Every review on the day it is due. 0: two reviews on one day, after a learning step of minutes, not an interval.
  trace = {
    grades = { 3, 3, 3, 3, 3, 3, 1, 1, 3, 3, 3, 3, 3 },
    days = { 0, 2, 11, 46, 163, 498, 0, 0, 2, 4, 7, 12, 21 },
    stability = {
      2.3065, 2.3065, 10.97104786, 46.31685657, 162.99981459, 497.87655983, 6.8904125, 2.15459837, 2.15459837,
      3.98312343, 7.23625465, 12.48304383, 20.77035737,
    },
    difficulty = {
      2.11810397, 2.11121424, 2.1043314, 2.09745544, 2.09058635, 2.08372413, 7.38320232, 9.12510476, 9.11120802,
      9.09732518, 9.08345622, 9.06960113, 9.0557599,
    },
  },

  -- Without learning steps, with the weights of FSRS-5: every review on the day it is due.
  long_term = {
    weights = {
      0.4197, 1.1869, 3.0412, 15.2441, 7.1434, 0.6477, 1.0007, 0.0674, 1.6597, 0.1712, 1.1178, 2.0225, 0.0904, 0.3025,
      2.1214, 0.2498, 2.9466, 0.4891, 0.6468, 0, 0.5,
    },
    grades = { 3, 3, 3, 3, 3, 3, 1, 1, 3, 3, 3, 3, 3 },
    days = { 3, 13, 48, 155, 445, 1158, 17, 3, 11, 37, 112, 307, 773 },
    stability = 772.94026648,
    difficulty = 4.26464541,
  },
}
