"""Customer satisfaction by path models.

A :func:`study` is a survey under a model. Of it: the :func:`index`; :func:`paths` and
:func:`importance_performance`; the measurement (:func:`items`, :func:`constructs`, :func:`discriminant`,
:func:`fit_measures`); what the convention does (:func:`conventions`); whether groups differ
(:func:`compare_groups`) and are measured alike (:func:`measurement_invariance`); whether the model predicts
(:func:`predictive_power`); what moved between waves (:func:`change_effects`). Of indices: :func:`roll_up`
from brands to the nation, and :func:`contributions`. :func:`sample_plan` says how many to ask.
"""

from qstats.satisfaction.groups import compare_groups
from qstats.satisfaction.indices import index
from qstats.satisfaction.invariance import measurement_invariance
from qstats.satisfaction.levels import contributions, roll_up
from qstats.satisfaction.models import Questionnaire, questionnaire
from qstats.satisfaction.prediction import predictive_power
from qstats.satisfaction.quality import constructs, discriminant, fit_measures, items
from qstats.satisfaction.studies import Study, study
from qstats.satisfaction.tables import conventions, importance_performance, paths
from qstats.satisfaction.waves import change_effects, sample_plan

__all__ = [
    "Questionnaire",
    "Study",
    "change_effects",
    "compare_groups",
    "constructs",
    "contributions",
    "conventions",
    "discriminant",
    "fit_measures",
    "importance_performance",
    "index",
    "items",
    "measurement_invariance",
    "paths",
    "predictive_power",
    "questionnaire",
    "roll_up",
    "sample_plan",
    "study",
]
