// The contract's laws, one test each, for any heap. What a law can't show under a scheme (a heap that never frees, no weak
// refs) it skips by saying so.
#pragma once

#include "tests/conform/laws_of_deaths.hpp"
#include "tests/conform/laws_of_ends.hpp"
#include "tests/conform/laws_of_refs.hpp"
#include "tests/conform/laws_of_slots.hpp"
#include "tests/conform/laws_of_threads.hpp"

namespace tally::conform {

REGISTER_TYPED_TEST_SUITE_P(
    Laws, ANewObjectLivesUntilItsOnlyRefIsDropped, EveryCopyKeepsTheObjectAliveAndIsDroppedOnItsOwn,
    MemoryIsZeroedAndTrailingSlotsStartEmpty, AStoreConsumesItsRefAndDropsTheOldValue,
    ParcelsCarryARefThroughMemoryThatNobodyScans, DroppingTheHeadOfAVeryLongChainFreesItWithoutRecursion,
    ObjectsOutliveTheThreadThatMadeThem, ARefSurvivesABlockedRegionAndPollsAroundIt, ACycleIsCollectedOrLeakedAsTheConceptSays,
    ManyThreadsCountOneObjectExactly, TheLastDropMayComeFromAnyThread, SharedSlotsLoadStoreExchangeAndCompare,
    RacingLoadsAndStoresOfASharedSlotNeverSeeADeadObject, AWeakRefUpgradesWhileTheObjectLivesAndFailsAfter,
    ADestructorRunsOnceHoweverItsObjectDies, WhatAnObjectsEndFindsInItsPlaceIsTheNewValue,
    ConfinedObjectsLiveAndDieLikeOthersWithTheirMemory, GarbageDoesNotAddUp, AFinaliserRunsOnceWhenTheLastRefGoesAndMayRevive,
    WhatADeadObjectHeldEndsInTheOrderOfItsSlotsEachWholeBeforeTheNext, AFinaliserMayMakeAndDropWhatHasFinalisers,
    ObserversAreToldTheLatestFirstAfterTheFinaliserAndBeforeTheSlotsGo, AnObserverThatTheObservedHoldsIsToldBeforeItEnds,
    ACollectorTellsObserversThenRunsFinalisersThenTakesApart, GarbageThatAFinaliserRevivesIsWholeAndGoesLater,
    AFinaliserFindsNothingThatIsBeingTakenApart, ALongChainOfFinalisersEndsInOrderWithoutRecursion,
    FinalisersThatLetGoOfTheNextThemselvesEndAChainWithoutRecursion);

}  // namespace tally::conform
